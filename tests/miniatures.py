"""Miniatures of corpora in their true layout, traps included: a maker for each, by its name."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.makers import grey_frames, write_video

DEMO = Path(__file__).parents[1] / "data" / "demo"


def use_demo(_folder: Path) -> dict[str, Any]:
    return {"root": str(DEMO)}


def make_ravdess(folder: Path) -> dict[str, Any]:
    for actor in (2, 7, 11):
        for emotion in (1, 3, 8):
            path = folder / f"Actor_{actor:02}" / f"03-01-{emotion:02}-01-02-01-{actor:02}.wav"
            path.parent.mkdir(exist_ok=True)
            path.touch()
    return {"root": str(folder), "modality": "audio"}


def make_table(folder: Path) -> dict[str, Any]:
    for name in ("b.mp4", "a.mp4"):
        (folder / name).touch()
    (folder / "clips.csv").write_text(
        "path,start_seconds,end_seconds,subject,emotion,valence\n"
        "b.mp4,0,1.5,07,happy,0.25\n"
        "b.mp4,1.5,4,07,sad,-5\n"
        "a.mp4,,,,,-0.5\n"
    )
    return {"root": str(folder)}


VA, EXPR = "VA_Estimation_Challenge", "EXPR_Recognition_Challenge"
AU = "AU_Detection_Challenge"
AU_HEADER = "AU1,AU2,AU4,AU6,AU7,AU10,AU12,AU15,AU23,AU24,AU25,AU26"
EXPR_HEADER = "Neutral,Anger,Disgust,Fear,Happiness,Sadness,Surprise,Other"


def make_affwild2(folder: Path) -> dict[str, Any]:
    """Two people in one video of uneven rate, one of them in both challenges, and one alone."""
    texts = {
        f"{VA}/Train_Set/two_left.txt": "valence,arousal\n0.5,-0.25\n-5,-5\n0.25,-5\n1,1\n",
        f"{VA}/Train_Set/two.txt": "valence,arousal\n0,0\n",
        f"{VA}/Validation_Set/one.txt": "valence,arousal\n0.1,0.2\n",
        f"{VA}/Train_Set/gone.txt": "valence,arousal\n0.1,0.2\n",
        f"{EXPR}/Validation_Set/two_left.txt": f"{EXPR_HEADER}\n4\n-1\n7\n-1\n",
        f"{AU}/Train_Set/one.txt": f"{AU_HEADER}\n{'1,0,' * 5}1,0\n{'-1,' * 11}-1\n",
    }
    for name, text in texts.items():
        touch(folder / "Annotations" / name)
        (folder / "Annotations" / name).write_text(text)
    for name, seconds in (("two", (0.0, 0.25, 0.5, 1.25)), ("one", (0.0, 0.04))):
        path = folder / "videos" / "batch1" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_video(path, grey_frames(len(seconds)), seconds=seconds)
    for name in ("two_left/00001", "two_left/00004", "one/00001"):
        touch(folder / "cropped_aligned" / f"{name}.jpg")
    touch(folder / "cropped_aligned_new_50_vids" / "two_left" / "00001.jpg")
    return {"root": str(folder)}


def make_cremad(folder: Path) -> dict[str, Any]:
    names = ("1001_IEO_HAP_LO", "1001_TIE_ANG_XX", "1002_ITH_SAD_X", "1076_MTI_SAD_XX")
    for name in names:
        touch(folder / "AudioWAV" / f"{name}.wav")
        touch(folder / "AudioWAV" / f"._{name}.wav")
        touch(folder / "VideoFlash" / f"{name}.flv")
    (folder / "VideoDemographics.csv").write_text(
        '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
    )
    (folder / "processedResults").mkdir()
    (folder / "processedResults" / "tabulatedVotes.csv").write_text(
        '"","A","D","F","H","N","S","fileName"\n'
        '"100001",0,0,0,1,9,0,"1001_IEO_HAP_LO"\n'
        '"200001",0,0,0,8,2,0,"1001_IEO_HAP_LO"\n'
        '"300001",0,0,0,5,5,0,"1001_IEO_HAP_LO"\n'
        '"300002",9,1,0,0,0,0,"1001_TIE_ANG_XX"\n'
        '"300003",9,1,0,0,0,0,"1003_TIE_ANG_XX"\n'
    )
    return {"root": str(folder)}


MELD_HEADER = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,"
    "StartTime,EndTime\n"
)


def make_meld(folder: Path) -> dict[str, Any]:
    rows = '1,You\x92re a genius!,Joey,joy,positive,0,3,4,7,"0:20:57,256","0:21:00,049"\n'
    rows += '2,"Oh, my",Janice,surprise,negative,0,10,4,7,"00:21:01,927","00:21:03,261"\n'
    for name, split in (("train", "train_splits"), ("dev", "dev_splits_complete")):
        (folder / f"{name}_sent_emo.csv").write_text(MELD_HEADER + rows)
        for film in ("dia0_utt3", "._dia0_utt3", "final_videos_testdia0_utt9"):
            touch(folder / split / f"{film}.mp4")
    return {"root": str(folder)}


def make_emobox(folder: Path) -> dict[str, Any]:
    """Metadata of a dataset with three folds, by its own words."""
    metadata = folder / "metadata" / "emobox"
    said = {f"a-{n}": {"wav": f"downloads/{n}.wav", "emo": "cs"[n % 2]} for n in range(6)}
    for fold in (1, 2, 3):
        test = {name: said[name] for name in said if int(name[-1]) % 3 == fold - 1}
        write_set(metadata, "test", test, fold)
        write_set(metadata, "train", {k: said[k] for k in said.keys() - test}, fold)
    (metadata / "label_map.json").write_text(json.dumps({"c": "Angry", "s": "Fear"}))
    for number in range(5):
        touch(folder / "downloads" / f"{number}.wav")
    return {"root": str(folder), "metadata": str(metadata)}


def write_set(metadata: Path, side: str, clips: Mapping[str, Any], fold: int = 1) -> None:
    """Clips of a side of a fold, as EmoBox has them."""
    path = metadata / f"fold_{fold}" / f"{metadata.name}_{side}_fold_{fold}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(clips))


def make_emodb(folder: Path) -> dict[str, Any]:
    return make_files(folder, "wav/03a01Fa.wav", "wav/16b10Wb.wav")


def make_emovo(folder: Path) -> dict[str, Any]:
    return make_files(folder, "f1/dis-f1-b1.wav", "m3/neu-m3-n5.wav")


def make_fer2013(folder: Path) -> dict[str, Any]:
    places = ("train/angry/Training_1", "train/neutral/Training_2", "test/fear/PublicTest_3")
    return make_files(folder, *(f"{place}.jpg" for place in places))


UTTERANCE = """\
[{start} - {end}]\t{name}\t{emotion}\t[{ratings}]
C-E2:\tNeutral;\t()
C-E3:\tHappiness; Excited;\t(loud)
C-F1:\tSadness;\t()
A-E3:\tval 3; act 2; dom  2;\t()
"""


def make_iemocap(folder: Path) -> dict[str, Any]:
    """Two turns of each session, the later one first in the file, and one that nobody agreed on."""
    for session in range(1, 6):
        place, dialogue = folder / f"Session{session}", f"Ses0{session}F_impro01"
        turns = [
            (7.5, 9.0, f"{dialogue}_M000", "exc", "4.5000, 4.0000, 3.0000"),
            (1.5, 3.25, f"{dialogue}_F000", "neu", "3.0000, 1.0000, 5.5000"),
            (9.0, 9.5, f"{dialogue}_F001", "xxx", "2.0000, 2.0000, 2.0000"),
        ]
        blocks = [
            UTTERANCE.format(start=start, end=end, name=name, emotion=emotion, ratings=ratings)
            for start, end, name, emotion, ratings in turns
        ]
        evaluation = place / "dialog" / "EmoEvaluation"
        for inner in ("Categorical", "Attribute", "Self-evaluation"):
            touch(evaluation / inner / f"{dialogue}_e1_cat.txt")
        touch(evaluation / f"._{dialogue}.txt")
        text = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n" + "\n".join(blocks)
        (evaluation / f"{dialogue}.txt").write_text(text)
        touch(place / "dialog" / "transcriptions" / f"{dialogue}.txt")
        (place / "dialog" / "transcriptions" / f"{dialogue}.txt").write_text(
            f"{dialogue}_F000 [001.5000-003.2500]: Excuse me.\nM: Yes?\n"
        )
        for _, _, name, _, _ in turns[:2] if session == 1 else turns:
            touch(place / "sentences" / "wav" / dialogue / f"{name}.wav")
        touch(place / "dialog" / "avi" / "DivX" / f"{dialogue}.avi")
    return {"root": str(folder)}


LABEL_HEADER = "video_id,clip_id,text,label,label_T,annotation,mode\n"


def make_chsims(folder: Path) -> dict[str, Any]:
    rows = "video_0001,0001,好,-0.4,0.2,Negative,train\nvideo_0001,0002,不,1.0,1,Positive,train\n"
    (folder / "label.csv").write_text(f"{LABEL_HEADER}{rows}video_0002,0001,哦,0,0,Neutral,valid\n")
    return make_files(folder, "Raw/video_0001/0001.mp4", "Raw/video_0002/0001.mp4")


def make_mosi(folder: Path) -> dict[str, Any]:
    rows = "03bSnISJMiM,1,GOOD,2.4,2.4,Positive,train\n03bSnISJMiM,10,BAD,-3,-3,Negative,test\n"
    (folder / "label.csv").write_text(LABEL_HEADER + rows)
    return {"root": str(folder)}


def make_mosei(folder: Path) -> dict[str, Any]:
    """Two videos: a number off its scale, a stretch that ends first, a film cut apart."""
    ratings = np.array([[-3, 3, 0, 0, 0, 0, 0.5], [1.5, 0, 0, 4, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0]])
    write_csd(
        folder / "CMU_MOSEI_Labels.csd",
        "All Labels",
        {
            "-3g5": (ratings, [[0.5, 2.0], [2.0, 4.5], [5.0, 4.0]]),
            "abc": (ratings[:1], [[0.0, 1.0]]),
        },
    )
    said = np.array([[b"I"], [b"sp"], [b"love"], [b"it"]])
    words = {"-3g5": (said, [[0.5, 0.7], [0.7, 1.0], [1.0, 1.9], [1.9, 2.5]])}
    write_csd(folder / "CMU_MOSEI_TimestampedWords.csd", "words", words)
    return make_files(folder, "Full/-3g5.mp4", "Segmented/abc_0.mp4")


def write_csd(
    path: Path, name: str, rows: Mapping[str, tuple[np.ndarray, Any]], names: Any = None
) -> None:
    """Computational sequence as the CMU Multimodal SDK writes it; `names` are its dimensions'."""
    with h5py.File(path, "w") as file:
        for video, (features, intervals) in rows.items():
            entry = file.create_group(f"{name}/data/{video}")
            entry["features"] = features
            entry["intervals"] = np.array(intervals)
        metadata = file.create_group(f"{name}/metadata")
        if names is not None:
            told = metadata.create_dataset("dimension names", (1,), h5py.string_dtype())
            told[0] = json.dumps(names)


MSP_HEADER = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set\n"


def make_msppodcast(folder: Path) -> dict[str, Any]:
    rows = (
        "MSP-PODCAST_0001_0008.wav,N,4.0,7.0,1.0,127,Female,Test1\n"
        "MSP-PODCAST_0002_0001.wav,X,5.2,3.4,5.0,Unknown,Unknown,Train\n"
        "MSP-PODCAST_0003_0001.wav,C,4.0,4.0,4.0,9,Male,Test2\n"
        "MSP-PODCAST_0004_0001.wav,A,4.0,4.0,4.0,10,Male,Development\n"
    )
    touch(folder / "Labels" / "labels_consensus.csv")
    (folder / "Labels" / "labels_consensus.csv").write_text(MSP_HEADER + rows)
    for name in ("0001_0008", "0002_0001", "0003_0001"):
        touch(folder / "Audios" / f"MSP-PODCAST_{name}.wav")
    touch(folder / "Transcripts" / "MSP-PODCAST_0001_0008.txt")
    (folder / "Transcripts" / "MSP-PODCAST_0001_0008.txt").write_text("Well, yes.\n")
    return {"root": str(folder)}


def make_savee(folder: Path) -> dict[str, Any]:
    return make_files(folder, "DC/a01.wav", "JE/a01.wav", "KL/su15.wav")


def make_tess(folder: Path) -> dict[str, Any]:
    names = ("OAF_back_angry", "YAF_back_ps", "OA_bite_neutral")
    return make_files(folder, *(f"{name[:3]}/{name}.wav" for name in names))


def make_files(folder: Path, *names: str) -> dict[str, Any]:
    for name in names:
        touch(folder / name)
    return {"root": str(folder)}


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


MINIATURES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "affwild2": make_affwild2,
    "chsims": make_chsims,
    "cremad": make_cremad,
    "demo": use_demo,
    "emobox": make_emobox,
    "emodb": make_emodb,
    "emovo": make_emovo,
    "fer2013": make_fer2013,
    "iemocap": make_iemocap,
    "meld": make_meld,
    "mosei": make_mosei,
    "mosi": make_mosi,
    "msp_podcast": make_msppodcast,
    "ravdess": make_ravdess,
    "savee": make_savee,
    "table": make_table,
    "tess": make_tess,
}
