// The film of a record, or what is in its place: played in step with the answers.

const AGAIN_MILLISECONDS = 1500; // until a film without a length is loaded again
const MOST_LOADS = 10; // after which it is played as it is

const player = find("player");

/** Shows the camera, a film, a sound or a picture, or in place of them a sentence. */
function showMedium({ kind, source = "" }, empty) {
  find("film").dataset.kind = kind;
  find("camera").hidden = kind !== "camera";
  player.hidden = kind !== "film" && kind !== "sound";
  find("picture").hidden = kind !== "picture";
  if (player.hidden) player.removeAttribute("src");
  else if (player.src !== source) player.src = source;
  if (kind === "picture") find("picture").src = source;
  find("empty").textContent = kind === "none" || kind === "sound" ? empty : "";
}

/** When a film begins, in seconds of its record. */
const beginOf = ({ medium }) => medium?.begins ?? 0;

/** Goes to a time, in the film as well. */
function seek(time) {
  stage.sought = Math.max(time - beginOf(stage.record), 0);
  if (!player.hidden) player.currentTime = stage.sought;
  show(time);
}

/** Loads the film of a session that has just ended: the service is making it one that can be sought. */
function loadAgain(record) {
  if (record !== stage.record || !record.noted || !player.paused || record.loads >= MOST_LOADS) return;
  record.loads = (record.loads ?? 0) + 1;
  const time = stage.time;
  player.src = `${record.medium.source}?${Date.now()}`; // another address, lest the browser has it already
  player.addEventListener("loadedmetadata", () => seek(time), { once: true });
}

/** Shows the film's time, for as long as it plays. */
function follow() {
  if (player.hidden) return;
  show(player.currentTime + beginOf(stage.record));
  if (!player.paused) requestAnimationFrame(follow);
}
player.addEventListener("play", follow);
player.addEventListener(
  "seeked",
  () => player.paused && Math.abs(player.currentTime - stage.sought) > 0.01 && follow(),
);
player.addEventListener("loadedmetadata", () => {
  if (!player.videoWidth) find("film").dataset.kind = "sound";
  if (player.duration === Infinity) setTimeout(loadAgain, AGAIN_MILLISECONDS, stage.record);
});
player.addEventListener(
  "error",
  () => player.hidden || say("This browser does not play the file; its answers stand without it."),
);

/** Gives the stage the shape of what is on it. */
const shape = (width, height) => width && height && find("film").style.setProperty("--ratio", width / height);
for (const video of [player, find("camera")])
  video.addEventListener("resize", () => shape(video.videoWidth, video.videoHeight));
find("picture").addEventListener("load", ({ target }) => shape(target.naturalWidth, target.naturalHeight));
