"""From features to class scores."""
