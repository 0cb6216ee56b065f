"""Sentences that people say; each leans one way and is said in every mood."""

SENTENCES = {
    "pleasant": (
        "We got the keys to the new flat.",
        "She remembered my birthday this year.",
        "The soup turned out really lovely.",
        "My brother is coming home on Friday.",
        "They liked everything I showed them.",
        "The garden is full of flowers again.",
        "He said I did a wonderful job.",
        "Our team won the little tournament.",
        "The doctor told us she is well.",
        "I slept like a child last night.",
    ),
    "plain": (
        "The train leaves at a quarter past nine.",
        "There are two chairs in the hall.",
        "I put the papers on your desk.",
        "The shop is next to the bank.",
        "It is the third door on the left.",
        "We usually meet there on Tuesdays.",
        "The window faces the street.",
        "He works in the other building.",
    ),
    "unpleasant": (
        "They cancelled it without telling anyone.",
        "I lost the ring my mother gave me.",
        "Nobody came to help us move.",
        "He broke his promise once again.",
        "The car failed and we missed the funeral.",
        "She will not speak to me any more.",
        "They threw all my drawings away.",
        "The landlord wants us out by June.",
        "My application was rejected again.",
        "The old dog died in the night.",
    ),
}
