// The owner's password as the device keeps it: HA1 of HTTP Digest (RFC 7616) with SHA-256 (FIPS 180-4), so that the
// password itself is never on the air. Browsers offer SHA-256 to pages over HTTPS only, hence this one.

import {t} from "/lib.js";

const LONGEST = 63;
const SHORTEST = 8;

// The first 32 bits of the fractional parts of a root of the first 64 primes.
function fractions(power, count) {
  const found = [];
  for (let candidate = 2; found.length < count; candidate += 1) {
    let prime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) prime = prime && candidate % divisor > 0;
    if (prime) found.push((candidate ** power % 1) * 2 ** 32 | 0);
  }
  return found;
}

const turn = (word, by) => word >>> by | word << 32 - by;

export function sha256(text) {
  const bytes = new TextEncoder().encode(text);
  const padded = new Uint8Array((bytes.length + 9 + 63 >> 6) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, bytes.length * 8);
  const rounds = fractions(1 / 3, 64);
  const state = fractions(1 / 2, 8);
  for (let at = 0; at < padded.length; at += 64) {
    const w = [];
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i += 1) {
      const x = w[i - 15], y = w[i - 2];
      w[i] = i < 16 ? view.getInt32(at + 4 * i)
        : w[i - 16] + w[i - 7] + (turn(x, 7) ^ turn(x, 18) ^ x >>> 3) + (turn(y, 17) ^ turn(y, 19) ^ y >>> 10) | 0;
      const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + rounds[i] + w[i] | 0;
      const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, d + one | 0, c, b, a, one + two | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] = state[i] + word | 0; });
  }
  return state.map(word => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

// Of a new password; one of another length is refused here, as the device would only see the hash.
export function passwordHash(row, password, wrong) {
  const length = [...password].length;
  if (length < SHORTEST || length > LONGEST) {
    const text = t("allowed_text", SHORTEST, LONGEST);
    wrong(row, text);
    throw Object.assign(new Error(text), {told: {}});
  }
  return sha256("owner:kmpeye:" + password);
}
