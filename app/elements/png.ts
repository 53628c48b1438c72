// A standalone SVG of ours as a PNG, made in the browser. Not a renderer: the picture is the server's, as it is.

const SCALE = 2;
/** Browsers give an empty picture beyond this. */
const LONGEST_SIDE = 8_192;

/** The picture at twice its size on white; null when it cannot be had. */
export async function png(address: string): Promise<Blob | null> {
  try {
    const response = await fetch(address, { headers: { accept: 'image/svg+xml' } });
    if (!response.ok) return null;
    const size = sized(await response.text());
    return size && (await drawn(size));
  } catch {
    return null;
  }
}

interface Sized {
  svg: string;
  width: number;
  height: number;
}

/** Some browsers draw nothing of an SVG that does not say how large it is; one with a view box only is told. The text is
 * not parsed: a parsed document is under the page's policy, and each of its style attributes would be a complaint. */
function sized(svg: string): Sized | null {
  const tag = /<svg\b[^>]*>/u.exec(svg)?.[0];
  if (!tag) return null;
  const given = (name: string): string => new RegExp(`\\s${name}\\s*=\\s*["']([^"']*)["']`, 'u').exec(tag)?.[1] ?? '';
  const box = given('viewBox').trim().split(/[\s,]+/u).map(Number);
  const length = (name: string, other: number | undefined): number =>
    /^[\d.]+(px)?$/u.test(given(name)) ? parseFloat(given(name)) : (other ?? 0);
  const width = length('width', box[2]), height = length('height', box[3]);
  if (!(width > 0 && height > 0)) return null;
  const bare = tag.replace(/\s(?:width|height)\s*=\s*(?:"[^"]*"|'[^']*')/gu, '');
  return { svg: svg.replace(tag, () => bare.replace('<svg', `<svg width="${width}" height="${height}"`)), width, height };
}

async function drawn({ svg, width, height }: Sized): Promise<Blob | null> {
  const image = new Image();
  // An address of its own (blob:) would not be a picture under the page's policy; a data: one is.
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const scale = Math.min(SCALE, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const pen = canvas.getContext('2d');
  if (!pen) return null;
  pen.fillStyle = '#ffffff';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, 'image/png'));
}

/** Hands a file to the visitor, as a link with `download` would. */
export function save(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.hidden = true;
  // Not the router's.
  link.rel = 'external';
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 30_000);
}
