"""An example of a galaxtool plugin: one of everything, as small as it can be."""
