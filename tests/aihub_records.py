"""Records of AI Hub's label files, one photo each."""

import json

from edgefer.labels import KOREAN7
from edgefer.train.datasets.aihub import LabelRecipe, plan_aihub

VOTE = LabelRecipe("vote", 2, {})
# A person's number, 64 digits long, and the rest of a name.
NAME = "0" * 63 + "1_여_20_기쁨_자연환경_20201205000000-001-001.jpg"


def record(**changes):
    box = {"minX": 1, "minY": 2, "maxX": 30, "maxY": 40}
    annotation = {"boxes": box, "faceExp": "기쁨", "bg": "자연환경"}
    whole = {
        "filename": NAME, "gender": "여", "age": 20, "isProf": "비전문인",
        "faceExp_uploader": "기쁨", "bg_uploader": "자연환경",
        "annot_A": annotation, "annot_B": annotation, "annot_C": annotation,
    }  # fmt: skip
    return whole | changes


def plan(folder, records, encoding="utf-8"):
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_bytes(b"photo")
    text = records if isinstance(records, str) else json.dumps(records, ensure_ascii=False)
    (folder / "img_emotion_validation_data(기쁨).json").write_bytes(text.encode(encoding))
    return list(plan_aihub([folder], KOREAN7, VOTE))
