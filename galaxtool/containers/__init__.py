"""Files that hold many images: archives, HDF5 and NumPy stacks, FITS files with an object in each HDU."""
