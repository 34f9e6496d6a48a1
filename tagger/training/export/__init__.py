"""After a training: graphs in the bundle, their precision, their verification."""
