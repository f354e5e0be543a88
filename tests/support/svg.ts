// A terminal's screen as an SVG: its cells with their colours, text as text. Dark, so that it can be read on any page.

import xterm, { type IBufferCell } from "@xterm/headless";

const WIDE = 9;
const HIGH = 18;
const EDGE = 12;
const PAPER = "#16181d";
const INK = "#d7dae0";
const PALETTE =
  "#3b4048 #e06c75 #98c379 #e5c07b #61afef #c678dd #56b6c2 #c8ccd4 #6b7280 #ef8a92 #b5d99c #f0d399 #8cc4f5 #d9a0ea #7fd0da #ffffff".split(
    " ",
  );

const hex = (number: number): string => number.toString(16).padStart(2, "0");

function colourOf(number: number, rgb: boolean): string {
  if (rgb) return `#${number.toString(16).padStart(6, "0")}`;
  if (number < 16) return PALETTE[number]!;
  if (number >= 232) return `#${hex((number - 232) * 10 + 8).repeat(3)}`;
  const level = (of: number): string => hex([0, 95, 135, 175, 215, 255][Math.floor((number - 16) / of) % 6]!);
  return `#${level(36)}${level(6)}${level(1)}`;
}

type Looks = { ink: string; paper: string; style: string };

function looksOf(cell: IBufferCell): Looks {
  let ink = cell.isFgDefault() ? INK : colourOf(cell.getFgColor(), cell.isFgRGB());
  let paper = cell.isBgDefault() ? PAPER : colourOf(cell.getBgColor(), cell.isBgRGB());
  if (cell.isInverse()) [ink, paper] = [paper, ink];
  const style = [
    cell.isBold() ? "b" : "",
    cell.isDim() ? "d" : "",
    cell.isItalic() ? "i" : "",
    cell.isUnderline() ? "u" : "",
  ];
  return { ink, paper, style: style.filter(Boolean).join(" ") };
}

const escaped = (text: string): string =>
  text.replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`);

/** `drawn` is what `capture-pane -e -p -N` gives of a screen; `title` is for those who cannot see it. */
export async function svgOf(title: string, columns: number, rows: number, drawn: string): Promise<string> {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 0 });
  const text = drawn.split("\n").map((line, y) => `\x1b[${y + 1};1H${line}`);
  await new Promise<void>((done) => terminal.write(text.join(""), done));
  const papers: string[] = [];
  const lines: string[] = [];
  for (let y = 0; y < rows; y++) {
    const line = terminal.buffer.active.getLine(y)!;
    const runs: { x: number; wide: number; text: string; looks: Looks }[] = [];
    for (let x = 0; x < columns; x++) {
      const cell = line.getCell(x)!;
      const wide = cell.getWidth();
      if (wide === 0) continue;
      const looks = looksOf(cell);
      const last = runs.at(-1);
      const same = last && JSON.stringify(last.looks) === JSON.stringify(looks);
      // A cell that is not as wide as the others keeps its place by a run of its own.
      if (same && wide === 1 && last.wide === last.text.length) {
        last.text += cell.getChars() || " ";
        last.wide++;
      } else runs.push({ x, wide, text: cell.getChars() || " ", looks });
    }
    const spans: string[] = [];
    for (const { x, wide, text, looks } of runs) {
      if (looks.paper !== PAPER)
        papers.push(
          `<rect x="${x * WIDE}" y="${y * HIGH}" width="${wide * WIDE}" height="${HIGH}" fill="${looks.paper}"/>`,
        );
      const shown = text.trim();
      if (shown === "") continue;
      const at = x + text.indexOf(shown);
      const room = wide === text.length ? shown.length : wide;
      spans.push(
        `<tspan x="${at * WIDE}" textLength="${room * WIDE}"${looks.ink === INK ? "" : ` fill="${looks.ink}"`}${looks.style && ` class="${looks.style}"`}>${escaped(shown)}</tspan>`,
      );
    }
    if (spans.length > 0) lines.push(`<text y="${y * HIGH + 14}">${spans.join("")}</text>`);
  }
  terminal.dispose();
  const [width, height] = [columns * WIDE + 2 * EDGE, rows * HIGH + 2 * EDGE];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" xml:space="preserve">
<title>${escaped(title)}</title>
<style>text{font:15px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:${INK};white-space:pre}.b{font-weight:700}.d{opacity:.65}.i{font-style:italic}.u{text-decoration:underline}</style>
<rect width="${width}" height="${height}" rx="8" fill="${PAPER}" stroke="#6b7280"/>
<g transform="translate(${EDGE} ${EDGE})">
${[...papers, ...lines].join("\n")}
</g>
</svg>
`;
}
