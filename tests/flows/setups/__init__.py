"""What a system may stand on instead of the embedded servers alone; `make flows SETUP=<name of a module here>`.

Each module has a context manager `setup(data_dir)`. It starts what it needs and gives the variables under which the
product finds that. A server that one of them names is not started by `Stack`, unless the module's STACK_STARTS
(`postgres`, `valkey`) says that it stands behind what was started: then tests may still break it.
"""
