"""An example of a galaxtool plugin: a small one of most things that a plugin can provide."""
