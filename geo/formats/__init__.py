"""One module for each kind of file a layer may come in; each makes a `RawTable` and opens nothing else."""
