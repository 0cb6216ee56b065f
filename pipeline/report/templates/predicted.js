"use strict";
const { seconds, length, shares, ratings, plane, words } = JSON.parse(document.getElementById("answers").textContent);
const find = (name) => document.getElementById(name);
const player = find("player"), over = find("over"), cursor = find("cursor");
const plot = over.querySelector("svg");
let now = 0;

/** Place of the answer nearest to a time. */
function nearest(time) {
  let best = 0;
  for (let place = 1; place < seconds.length; place++) {
    if (Math.abs(seconds[place] - time) < Math.abs(seconds[best] - time)) best = place;
  }
  return best;
}

const write = (value) => (value === null ? "–" : value.toFixed(2).replace("-", "−"));

function show(time) {
  now = Math.min(Math.max(time, 0), length);
  const place = nearest(now);
  const values = shares.map((line) => line[place]);
  const greatest = Math.max(...values.map((value) => value ?? -1));
  document.querySelectorAll("[data-share]").forEach((item, index) => {
    const value = values[index];
    item.querySelector("i").style.width = `${100 * (value ?? 0)}%`;
    item.querySelector(".value").textContent = write(value);
    item.classList.toggle("first", value !== null && value === greatest);
  });
  document.querySelectorAll("[data-rating]").forEach((item, index) => {
    item.textContent = write(ratings[index][place]);
  });
  if (plane) {
    const [across, up] = plane.map((index) => ratings[index]);
    const known = across[place] !== null && up[place] !== null;
    find("dot").setAttribute("visibility", known ? "visible" : "hidden");
    if (known) {
      find("dot").setAttribute("cx", across[place]);
      find("dot").setAttribute("cy", -up[place]);
    }
    const trail = [];
    for (let before = Math.max(0, place - 12); before <= place; before++) {
      if (across[before] !== null && up[before] !== null) trail.push(`${across[before]},${-up[before]}`);
    }
    find("trail").setAttribute("points", trail.join(" "));
  }
  find("when").textContent = `${now.toFixed(1)} s`;
  const left = plot.getBoundingClientRect().left - over.getBoundingClientRect().left;
  cursor.style.left = `${left + (length ? now / length : 0) * plot.getBoundingClientRect().width}px`;
  over.setAttribute("aria-valuenow", now.toFixed(2));
}

function seek(time) {
  if (player && Number.isFinite(player.duration)) player.currentTime = Math.min(Math.max(time, 0), player.duration);
  show(time);
}

over.addEventListener("pointerdown", (event) => {
  const box = plot.getBoundingClientRect();
  if (event.clientX >= box.left) seek(((event.clientX - box.left) / box.width) * length);
});
over.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key];
  const target = { Home: 0, End: length }[event.key] ?? (step && now + step * Math.max(length / 100, 0.04));
  if (target === undefined) return;
  event.preventDefault();
  seek(target);
});
addEventListener("resize", () => show(now));

if (player) {
  const follow = () => {
    show(player.currentTime);
    if (!player.paused) requestAnimationFrame(follow);
  };
  player.addEventListener("play", follow);
  player.addEventListener("seeked", () => show(player.currentTime));
  player.addEventListener("error", () => (find("broken").style.display = "block"));
  if (player.error) find("broken").style.display = "block";
  const track = words.length && player.addTextTrack("subtitles", "words");
  for (const { start, end, text } of words) track.addCue(new VTTCue(start, Math.max(end, start + 0.1), text));
  if (track) track.mode = "showing";
}
show(0);
