// What the page says, in both languages, and the colours of emotions.
"use strict";

const $ = (id) => document.getElementById(id);
const WORDS = {
  en: {
    other: "한국어", on: "live", blind: "the camera is lost; it is opened again", covered: "live, faces covered", off: "no connection, trying again", locked: "locked", full: "too many are watching; trying again",
    token: "Token of this device", enter: "Watch", wrong: "The token is another.", late: "Too many tries. Wait {0} s.",
    waiting: "waiting for the camera", fps: "frames/s", latency: "ms a frame", frames: "frames", dropped: "dropped",
    lost: "readings lost", temperature: "°C", watchers: "watching", faces: "Faces", nobody: "Nobody is seen.",
    face: "face {0}", start: "Record readings", stop: "Stop recording", kept: "{1} readings in {0}",
    ago3: "3 min", ago2: "2 min", ago1: "1 min", now: "now", lineof: "Emotions of face {0} over the last three minutes",
    records: "Recordings", norecords: "None yet.", flaw: "Not read: {0}.",
    tune: "Tune", restore: "Back to the start", keep: "Lasts until the run ends. To begin the next one so:",
    unsure: "Unsure below", unsure_why: "Answers less sure than this are told as unsure.",
    min_face: "Smallest face, pixels", min_face_why: "Smaller ones are not looked for; larger is faster.",
    smooth: "Smoothing, seconds", smooth_why: "Longer is steadier and later; 0 tells each answer.",
    neighbors: "Finds that make a face", neighbors_why: "More means fewer false faces, and more that are missed.",
    every: "Frames between searches", every_why: "More is faster; somebody new is noticed later.",
    quality: "Refuse poor faces", quality_why: "Too blurred, noisy, dark, bright, small or turned away: told as unsure.",
    warned: "Please check", shadow: "Float and int8", alike: "{0} of {1} faces answered alike", nothing: "no face yet", count: "{0} faces", one: "1 face",
    shadownote: "How often int8 answers as float does, by what float answers. Which of them is right, only labeled faces tell.",
  },
  ko: {
    other: "English", on: "실시간", blind: "카메라 연결이 끊겨 다시 여는 중", covered: "실시간, 얼굴 가림", off: "연결이 끊겨 다시 시도하는 중", locked: "잠김", full: "보는 사람이 너무 많아 다시 시도하는 중",
    token: "이 장치의 토큰", enter: "보기", wrong: "토큰이 맞지 않습니다.", late: "너무 여러 번 시도했습니다. {0}초 기다리세요.",
    waiting: "카메라를 기다리는 중", fps: "초당 프레임", latency: "프레임당 ms", frames: "프레임", dropped: "버린 프레임",
    lost: "잃은 판독", temperature: "온도 °C", watchers: "보는 사람", faces: "얼굴", nobody: "보이는 얼굴이 없습니다.",
    face: "얼굴 {0}", start: "판독 기록 시작", stop: "기록 중지", kept: "{0}에 판독 {1}개",
    ago3: "3분 전", ago2: "2분 전", ago1: "1분 전", now: "지금", lineof: "얼굴 {0}의 최근 3분 감정",
    records: "기록", norecords: "아직 없습니다.", flaw: "판독하지 않음: {0}",
    tune: "조정", restore: "처음 값으로", keep: "실행이 끝나면 사라집니다. 다음에도 이렇게 시작하려면:",
    unsure: "불확실 기준", unsure_why: "확신이 이보다 낮은 답은 불확실로 표시합니다.",
    min_face: "가장 작은 얼굴(픽셀)", min_face_why: "이보다 작은 얼굴은 찾지 않습니다. 클수록 빠릅니다.",
    smooth: "평활 시간(초)", smooth_why: "길수록 안정되지만 늦습니다. 0이면 답을 그대로 표시합니다.",
    neighbors: "얼굴로 볼 검출 수", neighbors_why: "클수록 잘못 찾은 얼굴이 줄고 놓치는 얼굴이 늘어납니다.",
    every: "전체 탐색 간격(프레임)", every_why: "클수록 빠르지만 새 얼굴을 늦게 알아챕니다.",
    quality: "나쁜 얼굴 거르기", quality_why: "흐리거나, 노이즈가 심하거나, 어둡거나, 너무 밝거나, 작거나, 고개를 돌린 얼굴은 불확실로 표시합니다.",
    warned: "확인하세요", shadow: "float와 int8 비교", alike: "얼굴 {1}개 중 {0}개에서 답이 같음", nothing: "아직 얼굴 없음", count: "얼굴 {0}개", one: "얼굴 1개",
    shadownote: "float의 답마다 int8도 같은 답을 한 비율입니다. 어느 쪽이 맞는지는 레이블이 있는 얼굴로만 알 수 있습니다.",
  },
};
const COLORS = {
  happy: "#f5b83d", sad: "#5b9bff", angry: "#ef5350", fear: "#a78bfa", anxious: "#b79bff", disgust: "#5fb85f",
  surprise: "#ff9248", neutral: "#9aa7b5", embarrassed: "#f08ac9", hurt: "#58c7c2", contempt: "#b5a04a", frown: "#c98b6b",
  unsure: "#78828e",
};

function color(pair) {
  if (COLORS[pair[0]]) return COLORS[pair[0]];
  let hash = 7;
  for (const letter of pair[0]) hash = (31 * hash + letter.codePointAt(0)) % 360;
  return `hsl(${hash} 60% 65%)`;
}
