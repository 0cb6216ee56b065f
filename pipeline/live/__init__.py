"""Live: a trained head as a service, for uploaded media, cameras and microphones."""
