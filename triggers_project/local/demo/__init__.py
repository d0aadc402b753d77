"""`make demo`: a guided tour on a system of its own, which is thrown away afterwards."""
