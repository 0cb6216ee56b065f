// Camera and microphone, as the browser gives them.

const CHOICES = { video: "camera-choice", audio: "microphone-choice" };
const NAMES = { video: "camera", audio: "microphone" };

/** What to ask the browser for: no more pixels than are judged, and the voice as it is. */
function listWanted() {
  const ideal = {
    video: { width: { ideal: served.frame_pixels } },
    audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  };
  const on = Object.keys(CHOICES).filter((kind) => find(CHOICES[kind]).value !== "off");
  return Object.fromEntries(
    on.map((kind) => {
      const device = find(CHOICES[kind]).value;
      return [kind, { ...ideal[kind], ...(device && { deviceId: { exact: device } }) }];
    }),
  );
}

/** A sentence for why the browser gave nothing of these kinds. */
function explain(error, kinds) {
  const what = kinds.map((kind) => NAMES[kind]).join(" and ");
  return (
    {
      NotAllowedError: `This page may not use ${what}: allow it beside the browser's address line, then start again.`,
      NotFoundError: `There is no ${what} here: connect one, or turn it off above, then start again.`,
      NotReadableError: `Another program is using the ${what}: close it, then start again.`,
      OverconstrainedError: `The chosen ${what} is gone: choose another, then start again.`,
    }[error.name] ?? `The ${what} could not be opened: ${error.message}`
  );
}

/** A stream of what was chosen. What is not there is left out, and told. */
async function openDevices() {
  if (!navigator.mediaDevices)
    throw new Error(
      "Browsers give camera and microphone to secure pages alone: open this one by https, or at localhost.",
    );
  const wanted = listWanted();
  const kinds = Object.keys(wanted);
  if (!kinds.length) throw new Error("Camera and microphone are both off: turn one of them on.");
  try {
    return await navigator.mediaDevices.getUserMedia(wanted);
  } catch (error) {
    if (kinds.length < 2 || error.name === "NotAllowedError") throw new Error(explain(error, kinds));
  }
  return openOne(wanted);
}

/** A stream of whichever of two kinds can be opened, the camera first. */
async function openOne(wanted) {
  const failures = [];
  for (const kind of Object.keys(wanted)) {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ [kind]: wanted[kind] });
      say(
        `By the ${NAMES[kind]} alone: the ${NAMES[kind === "video" ? "audio" : "video"]} could not be opened.`,
      );
      return stream;
    } catch (error) {
      failures.push(explain(error, [kind]));
    }
  }
  throw new Error(failures.join(" "));
}

/** Offers the devices there are; browsers tell their names once one has been opened. */
async function listDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [kind, id] of Object.entries(CHOICES)) {
    const named = devices.filter((device) => device.kind === `${kind}input` && device.deviceId);
    const select = find(id);
    const before = select.value;
    select.replaceChildren(
      new Option("the usual one", ""),
      ...named.map(({ label, deviceId }) => new Option(label, deviceId)),
      new Option("off", "off"),
    );
    select.value = before;
    if (select.selectedIndex < 0) select.value = "";
  }
}

/** Has `take` called with each block of the stream's sound; the context that makes them. */
async function openSound(stream, take) {
  const context = new AudioContext();
  const module = URL.createObjectURL(new Blob([find("worklet").textContent], { type: "text/javascript" }));
  await context.audioWorklet.addModule(module);
  URL.revokeObjectURL(module);
  const blocks = new AudioWorkletNode(context, "blocks");
  blocks.port.onmessage = ({ data }) => take(data);
  context.createMediaStreamSource(stream).connect(blocks).connect(context.destination); // silent; without an end nothing flows
  return context;
}

/** What films are recorded as; undefined where the browser records none of these. */
function findRecordingType(stream) {
  const types = stream.getVideoTracks().length
    ? ["video/webm;codecs=vp8,opus", "video/webm"]
    : ["audio/webm;codecs=opus"];
  return types.find((type) => window.MediaRecorder?.isTypeSupported(type));
}
