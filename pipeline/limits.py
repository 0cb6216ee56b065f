"""Limits: more than any media or store has, so what asks for more is damage or an attack."""

MOST_PIXELS = 2**27
"""Of a picture: 16K has 133 million."""

MOST_RATIO = 20
"""Of a picture's longer side to its shorter: networks take squares, and one that keeps its shape
until it covers them grows to gigabytes from a line of pixels. The widest films have 4."""

PREPARED_PIXELS = 2**22
"""Of a picture as a network takes it, or as it is resized before it is cut: the largest are some
1,500 on a side, and batches of dozens lie in memory as floats."""

BATCH_PIXELS = 2**27
"""Of pictures that are searched together: 16 of 4K, 64 of Full HD, or a single one of 16K."""

HELD_BYTES = 2**31
"""Of frames that wait for a face to come back: ten seconds of Full HD at 30 Hz come to less."""

JPEG_PIXELS = 100
"""Of a picture in a store, for each byte of its JPEG file: one colour all over has 64."""

TOGETHER_BYTES = 2**32
"""Of frames of a clip that are decoded for an encoder that sees all of them at once: ten minutes at
25 Hz, of 224 pixels a side, are two billion."""

MOST_MEMORY = 2**33
"""Of a worker that decodes a clip: a film of 16K takes some gigabytes, and what takes more was
written to. A PNG of megabytes may hold comments of gigabytes, which FFmpeg unpacks."""

LEAST_HZ = 1000
"""Of sound, for which telephones take 8,000: each sample of fewer asks for many at 16 kHz."""

MOST_SOUND_HZ = 2**20
"""Of sound, which FLAC can have: filters of more take gigabytes. Recorders of bats have 500,000."""

SOUND_SECONDS = 3600.0
"""Of sound in memory, with SOUND_BYTES_A_SECOND for each more: codecs of speech and of silence take
more, and what takes less was written to fill memory."""

SOUND_BYTES_A_SECOND = 40

FILM_BYTES_A_SECOND = 1000
"""Of a film: what takes fewer has few pictures, whatever its times say, and no longer is waited."""

MOST_HZ = 1e4
"""Of pictures that are looked at: cameras for engineers have so many."""

MOST_FRAMES = 10**8
"""Of a film: ten weeks of it."""

MOST_PICTURES = 2**22
"""Of a film whose packets are surveyed, 300 bytes in memory each: two days at 25 Hz."""

PACKET_TIMES = 4
"""Of a media file's own bytes, and PACKET_BYTES on top, in all its packets: Matroska may write the
same header before each, or pack them, and MP4 name the same bytes again and again."""

PACKET_BYTES = 2**20

MOST_LISTED = 2**24
"""Of samples in the header of an MP4, 36 bytes in memory each, or LISTED_BYTES of the file for each
where these are more: a day of film and sound has some ten million."""

LISTED_BYTES = 32

MOST_HEADER = 2**28
"""Bytes of a box of such a header: ten million samples take some hundred million."""

MOST_TRACKS = 32
"""Of sound in a file, each decoded where those before it are silent: broadcasters have 24."""

MOST_SECONDS = 1e9
"""Of a film, too: thirty years."""

MOST_POINTS = 10**7
"""Windows of a clip, points of a grid, or times of labels: a day at 100 Hz."""

LEAST_SECONDS = 1e-3
"""Of a window, and from one to the next."""

MOST_LAYERS = 1000
"""Of a network, one upon the other; or blocks, stages or experts of it."""

MOST_HEAD_LAYERS = 100
"""Of a head, to each of its streams."""

MOST_STREAMS = 50
"""Feature sets that a head reads: layers are made for each, or for each pair."""

MOST_MEMBERS = 20
"""Heads within a head, and seeds of each."""

MOST_BLOCKS = 16
"""Of dilated convolutions, each of which sees twice as far as the one before."""

MOST_KERNEL = 64
"""Rows that a convolution sees at once."""

MOST_MASKS = 100
"""Stretches of one kind that are hidden from each window in training."""

MOST_TURNS = 100
"""Of a dialogue, before a clip and after it, that a head sees."""

MOST_LABELS = 10**6
"""That a network tells apart: those of ImageNet-21k are 21,841."""

MOST_CLASSES = 200
"""Emotions of a corpus or of a head."""

MOST_EDGE = 2**12
"""Pixels of a side to which a checkpoint's preprocessor resizes, cuts or pads pictures: the largest
are some 1,500."""

MOST_CHUNK = 600
"""Seconds of sound that a network hears at once, to which shorter ones are filled up: Whisper hears
30."""

PREPARING_BYTES = 2**32
"""Of memory while a checkpoint's preprocessor prepares pictures or sound, beside what there is: its
options are without number, and a few letters of many fill gigabytes."""

PREPARING_SECONDS = 60.0
"""Of the same; a picture or a minute of sound takes parts of a second."""

THREAD_BYTES = 2**27
"""For each core, on top of PREPARING_BYTES: a thread that begins meanwhile reserves its stack and
its heap."""

MOST_BINS = 2**13
"""Of a spectrum that a network hears, and its bands: Whisper has 400 and 128."""

MOST_SPECTRUM = 2**26
"""Numbers of all spectra of what a network hears at once: Whisper has 1.2 million, and where each
begins a sample after the one before, there are gigabytes of them."""

MOST_NUMBERS = 4
"""Of a network, for each byte of the folder that its weights lie in: they take a byte or more each,
and those that two layers share are counted twice."""

APART_BYTES = 2**32
"""Of memory in a process apart, where a library tries what a stranger's file asks of it; what it
reserves and never touches counts."""

WAITED_TIMES = 100
"""By the clock, of the seconds of a processor that such a process has: it may wait for others who
compute, and what waits longer waits for what does not come."""

LOADED_TIMES = 20
"""Of files of weights, with PREPARING_BYTES on top, in memory while they are loaded: four bytes for
each of the numbers that a byte may stand for, and copies."""

TEMPLATE_SECONDS = 60.0
"""Of a processor's time in which a chat template is rendered."""

CUTTING_SECONDS = 5.0
"""Of a processor's time in which texts are cut into tokens, and CUTTING_LETTER_SECONDS for each
letter, a thousand times what is usual: an expression may need the fourth power of the length."""

CUTTING_LETTER_SECONDS = 1e-3

LOADING_SECONDS = 60.0
"""Of the same, in which a tokenizer or what a file of HDF5 lists is read: the largest take two."""

MOST_PROMPT = 2**20
"""Letters of prompts that are rendered."""

MOST_SIDE = 2**14
"""Of a square that is cut round a face, in pixels: 16K is 15,360 wide."""

MOST_RECORD = 2**22
"""Bytes of a recipe, an evaluation or another small file in JSON: pydantic keeps two kilobytes of
each mistake in it, and one takes three bytes."""

MOST_HISTORY = 2**25
"""Bytes of the history of a training, whose every cell is an entry in memory: ten numbers of ten
thousand epochs take two million."""

MOST_CELLS = 2**27
"""Of all confusion matrices of a split, one for each speaker, group or clip: two million clips of
eight emotions have as many."""

MOST_RUNS = 10**4
"""Of a head, one to a fold: a network is made for each. Nor are more corpora told by themselves."""

MOST_PLACED = 2**30
"""Clips times runs, in each of which every clip has its side: pages look at all of them, and take a
quarter of an hour for so many."""

MOST_FOLDERS = 100
"""Within one another: walks of thousands have no room on Python's stack, nor in a path."""

MOST_DEPTH = 50
"""Of what a provenance says, lists and maps within one another."""

MOST_VALUES = 10**5
"""Of a provenance, or of all options of a recipe: pages write them as YAML, at a tenth of a
millisecond and a kilobyte each. A head of many sets has some thousands."""

MOST_ROWS = 2**48
"""Of a part of a store."""

MOST_NUMBER = 1e30
"""Of a prediction or a rating, either way: squares of more have no place in a float."""

MOST_SIZE = 2**24
"""Of an axis of what a head reads."""

MOST_AXES = 8
"""Of an array in a store: a row has at most three."""

MOST_VIEWS = 1000
"""Of a clip: who augments more makes them as he trains."""

MOST_PAUSE_SECONDS = 3600.0
"""Pauses in sound that come to more, and to more than there is of sound, are damage. So is a late
beginning that nothing else in the file fills: each would be as much silence in memory."""

UNPACKED_BYTES = 2**30
"""Of what a file holds in memory, however small the file: a column of one value takes next to
nothing in it."""

UNPACKED_TIMES = 100
"""Of the file's own size, on top."""

SHOWN_BYTES = 2**28
"""Of the first few rows of a table, with UNPACKED_TIMES: they are shown to a person."""

MOST_IDS = 10**7
"""Of a table, or of what is imported: an id of one letter takes fifty bytes in memory."""

MOST_CLIPS = 2 * 10**6
"""Of a corpus in one table, or one packed file: with words and labels each takes two to four
kilobytes in memory, and next to nothing in the file."""

MOST_REASONS = 1000
"""Of a ledger, which are fixed words: terminals and pages have a line for each, of kilobytes."""

MOST_INDEXED = 5 * 10**6
"""Clips and views of a store, half a kilobyte in memory each."""

MOST_SPOKEN = 2**25
"""Letters of what is said in all segments: CMU-MOSEI has some three million. Segments may overlap,
and then say again what others say."""

MOST_ID_LETTERS = 4096
"""Of an id, which may be a path: a dictionary names one of a million for each row."""

MOST_PICKLED = 10**7
"""Instructions in a pickle, each of which makes an object at most: arrays are one each."""


MOST_BUNDLE = 2**38
"""Bytes of a bundle: language models that hear or see have a hundred gigabytes at most."""

MOST_PARTS = 1000
"""Files of a bundle: large networks are in dozens."""


def limit_unpacked(size: int) -> int:
    """Most bytes in memory of what takes `size` bytes in files; more was written to fill it.

    UNPACKED_BYTES allow for small files that repeat a value, UNPACKED_TIMES for large ones.
    """
    return UNPACKED_BYTES + UNPACKED_TIMES * size
