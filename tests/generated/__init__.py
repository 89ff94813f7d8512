"""Models made up at random, at protobuf level, each with what it computes said a second time in numpy."""
