"""moodline: emotion models from videos of talking people."""
