"""What encoders share: options, preparation of pictures and sound, rows on a grid."""
