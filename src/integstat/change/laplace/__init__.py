"""The engine `laplace`: nested Laplace over cities and ring effects, importance sampling for what it gets wrong."""
