"""What a ring could find before it collects anything: closed forms for a city, draws for the ring around it.

`inputs` gathers bases, levels and spreads, `gaussian` is the approximation, `assurance` asks it, `build` makes the tables, `page`
the page for the ring's first meeting, `figure` its picture.
"""
