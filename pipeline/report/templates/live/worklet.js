/** Sound in blocks of a tenth of a second: int16, one channel, with the context's time of the first. */
class Blocks extends AudioWorkletProcessor {
  block = new Int16Array(Math.round(sampleRate / 10));
  filled = 0;

  process([channels]) {
    if (!channels.length) return true;
    for (let place = 0; place < channels[0].length; place++) {
      const mean = channels.reduce((sum, channel) => sum + channel[place], 0) / channels.length;
      this.block[this.filled++] = 32767 * Math.min(Math.max(mean, -1), 1);
      if (this.filled === this.block.length)
        this.leave((currentFrame + place + 1 - this.filled) / sampleRate);
    }
    return true;
  }

  leave(seconds) {
    this.port.postMessage({ seconds, samples: this.block.slice() });
    this.filled = 0;
  }
}
registerProcessor("blocks", Blocks);
