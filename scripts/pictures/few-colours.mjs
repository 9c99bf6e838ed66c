// A screenshot with as few colours as a page of text needs: a third of the bytes.
import { crc32, deflateSync } from 'node:zlib';

const COLOURS = 32;

/**
 * @param blank an empty page of a browser, which reads the screenshot
 * @returns a PNG with a palette of the most frequent colours; others become the nearest of them
 */
export async function fewColours(blank, png) {
  const { width, height, palette, indices } = await blank.evaluate(inTheBrowser, [png.toString('base64'), COLOURS]);
  const pixels = Buffer.from(indices, 'base64');
  // Each line begins with its filter, which is none.
  const lines = Array.from({ length: height }, (_, y) => [Buffer.of(0), pixels.subarray(y * width, (y + 1) * width)]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flat())),
    chunk('IDAT', deflateSync(Buffer.concat(lines.flat()), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, sum]);
}

/* global Image, document */
async function inTheBrowser([png, most]) {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const canvas = Object.assign(document.createElement('canvas'), { width: image.width, height: image.height });
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);

  const counts = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const colour = (data[i] << 16) | (data[i + 1] << 8) | data[i + 2];
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const parts = (colour) => [colour >> 16, (colour >> 8) & 255, colour & 255];
  const palette = [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, most)
    .map(([colour]) => parts(colour));
  const nearest = new Map();
  for (const colour of counts.keys()) {
    const own = parts(colour);
    const far = palette.map((other) => other.reduce((sum, part, i) => sum + (part - own[i]) ** 2, 0));
    nearest.set(colour, far.indexOf(Math.min(...far)));
  }
  let indices = '';
  for (let i = 0; i < data.length; i += 4) {
    indices += String.fromCharCode(nearest.get((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]));
  }
  return { width: image.width, height: image.height, palette, indices: btoa(indices) };
}
