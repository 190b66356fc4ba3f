"use strict";
// Opens the data of the page: JSON, then columns that are read when they are asked for. See _blob.py.
window.territoireGeo = {};

(function (tg) {
  const decoder = new TextDecoder();

  // Seven bits a character; those that a page may not carry stand 128 further.
  function dense(text) {
    const bytes = new Uint8Array(Math.floor((7 * (text.length - 1)) / 8));
    let [held, count, at] = [0, 0, 0];
    for (let i = 1; i < text.length && at < bytes.length; i++) {
      held = ((held << 7) | (text.charCodeAt(i) & 127)) & 0x3fff;
      count += 7;
      if (count >= 8) {
        count -= 8;
        bytes[at++] = held >> count;
      }
    }
    return bytes;
  }
  async function inflate(text) {
    const packed = text.startsWith("~") ? dense(text) : Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }

  function floats(bytes, count) {
    const plain = new Uint8Array(8 * count);
    for (let plane = 0; plane < 8; plane++) {
      for (let i = 0; i < count; i++) {
        plain[8 * i + plane] = bytes[plane * count + i];
      }
    }
    return Array.from(new Float64Array(plain.buffer), (value) => (Number.isNaN(value) ? null : value));
  }

  function column(bytes, [, count, width, decimals, least, delta]) {
    if (decimals === null) {
      return floats(bytes, count);
    }
    const unit = 10 ** decimals;
    const values = new Array(count);
    let before = 0;
    for (let i = 0; i < count; i++) {
      let code = 0;
      for (let plane = width - 1; plane >= 0; plane--) {
        code = code * 256 + bytes[plane * count + i];
      }
      if (delta) {
        before += code % 2 ? -(code + 1) / 2 : code / 2;
        code = before;
      }
      values[i] = code === 0 ? null : (code - 1 + least) / unit;
    }
    return values;
  }

  // Records were written field by field.
  function records({ $rows: count, fields }) {
    const names = Object.keys(fields);
    return Array.from({ length: count }, (_, rank) => Object.fromEntries(names.map((name) => [name, fields[name][rank]])));
  }

  // Puts in place of each pointer what it points to, read the first time it is asked for.
  function revive(part, streams) {
    // A list of names or of numbers points to nothing.
    if (Array.isArray(part) && typeof part[0] !== "object" && typeof part[part.length - 1] !== "object") {
      return;
    }
    for (const [name, inner] of Object.entries(part)) {
      if (inner === null || typeof inner !== "object") {
        continue;
      }
      if (!Array.isArray(inner.$)) {
        revive(inner, streams);
        if (inner.$rows !== undefined) {
          part[name] = records(inner);
        }
        continue;
      }
      const [start, count, width] = inner.$;
      const size = width === undefined ? count : count * width;
      const read = () => {
        const bytes = streams.subarray(start, start + size);
        return width === undefined ? bytes : column(bytes, inner.$);
      };
      let held;
      Object.defineProperty(part, name, {
        enumerable: true,
        configurable: true,
        get: () => (held === undefined ? (held = read()) : held),
        set: (value) => (held = value),
      });
    }
  }

  tg.load = async function () {
    const block = document.getElementById("tg-data");
    const bytes = await inflate(block.textContent);
    block.remove();
    const size = new DataView(bytes.buffer).getUint32(0, true);
    const data = JSON.parse(decoder.decode(bytes.subarray(4, 4 + size)));
    revive(data, bytes.subarray(4 + size));
    tg.data = data;
    tg.t = data.texts;
  };

  // A page that cannot start says so, in place of an empty map.
  tg.fail = function (error) {
    const said = document.getElementById("tg-old");
    if (typeof DecompressionStream === "undefined" && said) {
      said.hidden = false;
      return;
    }
    throw error;
  };
})(window.territoireGeo);
