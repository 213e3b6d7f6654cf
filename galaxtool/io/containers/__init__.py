"""Files that hold many images: archives read in place, stacks of HDF5 and NumPy, FITS with an object in each HDU."""
