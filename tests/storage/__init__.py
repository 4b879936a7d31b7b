"""Object storage, against an S3 server of this machine."""
