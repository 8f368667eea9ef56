import { useState } from 'preact/hooks';
import { formatMilliseconds } from '../lib/words.js';
import type { OcrResult, Stage, TextLine } from '../ocr/reader.js';

interface Highlight {
  readonly active: number;
  readonly onActive: (index: number) => void;
}

interface PictureProps extends Highlight {
  readonly url: string;
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly lines: readonly TextLine[];
}

/** The picture with a frame around each line that was read. */
export function PictureWithBoxes({ url, name, width, height, lines, active, onActive }: PictureProps) {
  return (
    <figure class="picture">
      <div class="stack">
        <img src={url} alt={name} />
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          {lines.map((line, i) => (
            // biome-ignore lint/a11y/noStaticElementInteractions: pointing is an extra; the list beside it does the same by keyboard
            <polygon
              key={`${i}:${line.text}`}
              class={i === active ? 'box active' : 'box'}
              points={line.quad.map((point) => point.join(',')).join(' ')}
              onMouseEnter={() => onActive(i)}
              onMouseLeave={() => onActive(-1)}
            />
          ))}
        </svg>
      </div>
      <figcaption>
        {name}, {width} x {height}
      </figcaption>
    </figure>
  );
}

const STAGE_NAMES: Record<Stage, string> = {
  prepare: 'Prepare the picture',
  detect: 'Find text (network)',
  boxes: 'Draw boxes',
  crop: 'Cut and straighten lines',
  orient: 'Tell up from down (network)',
  recognise: 'Read lines (network)',
};

/** The text, line by line, with copying and the milliseconds of each stage. */
export function LinesPanel({ result, active, onActive }: Highlight & { result: OcrResult }) {
  const { lines, times } = result;
  const [copied, setCopied] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(lines.map((line) => line.text).join('\n'));
      setCopied('Copied');
    } catch {
      setCopied('The browser did not allow copying');
    }
  };
  const total = Object.values(times).reduce((sum, time) => sum + time, 0);
  return (
    <section class="panel" aria-label="Text">
      <div class="panel-head">
        <h2>{lines.length === 1 ? '1 line' : `${lines.length} lines`}</h2>
        <span role="status">{copied}</span>
        <button type="button" onClick={copy} disabled={lines.length === 0}>
          Copy text
        </button>
      </div>
      {lines.length === 0 && <p>No text was found in this picture.</p>}
      <ol class="lines">
        {lines.map((line, i) => (
          <li key={`${i}:${line.text}`} class={i === active ? 'active' : undefined}>
            <button
              type="button"
              onMouseEnter={() => onActive(i)}
              onMouseLeave={() => onActive(-1)}
              onFocus={() => onActive(i)}
              onBlur={() => onActive(-1)}
              onClick={() => onActive(i)}
            >
              <span class="text">{line.text}</span>{' '}
              <span class="sure">{Math.round(line.confidence * 100)} % sure</span>
            </button>
          </li>
        ))}
      </ol>
      <details open>
        <summary>{formatMilliseconds(total)} in all</summary>
        <table class="times">
          <tbody>
            {(Object.keys(times) as Stage[]).map((stage) => (
              <tr key={stage}>
                <th scope="row">{STAGE_NAMES[stage]}</th>
                <td>{formatMilliseconds(times[stage])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}
