"""The engine `nuts`: PyMC's models, nutpie's sampler. The only room that knows them; loading it takes seconds."""
