import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Segment } from '../speech/segments.js';
import type { Track } from '../speech/track.js';

interface TimePlotProps {
  readonly track: Track;
  readonly segments: readonly Segment[];
  /** Changes whenever the track has grown. */
  readonly version: number;
  /** Seconds shown at most, the last ones; all when absent. */
  readonly span?: number;
  readonly label: string;
  /** Seconds; a line is drawn there. */
  readonly playhead?: number;
  readonly onSeek?: (seconds: number) => void;
}

const HEIGHT = 240;

/** The waveform with the probability of speech over it and the speech marked behind both. */
export function TimePlot(props: TimePlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(makeOptions(element, latest), makeData(latest.current), element);
    };
    make();
    const resize = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    resize.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', make);
    return () => {
      resize.disconnect();
      scheme.removeEventListener('change', make);
      plot.current?.destroy();
      plot.current = null;
    };
  }, []);

  const { version, segments, playhead } = props;
  // The version stands for the contents of the track.
  useEffect(() => {
    const frame = requestAnimationFrame(() => plot.current?.setData(makeData(latest.current)));
    return () => cancelAnimationFrame(frame);
  }, [version, segments]);
  // Only the line moves.
  useEffect(() => plot.current?.redraw(false), [playhead]);

  return <div class="plot" ref={host} role="img" aria-label={props.label} />;
}

function makeData({ track, span }: TimePlotProps): uPlot.AlignedData {
  const { lows, highs, probabilities, frameSeconds } = track;
  const from = span === undefined ? 0 : Math.max(0, lows.length - Math.round(span / frameSeconds));
  const times = Array.from({ length: lows.length - from }, (_, i) => (from + i + 0.5) * frameSeconds);
  const p = Array.from(times, (_, i) => probabilities[from + i] ?? null);
  return [times, highs.slice(from), lows.slice(from), p];
}

function makeOptions(element: HTMLElement, latest: { current: TimePlotProps }): uPlot.Options {
  const [ink, grid, wave, line, mark] = ['--muted', '--rule', '--wave', '--accent', '--mark'].map((name) =>
    resolveColour(element, name),
  );
  const axis = {
    stroke: ink,
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1 },
    font: '12px system-ui',
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: () => timeRange(latest.current) },
      wave: { range: (_, low, high) => symmetric(Math.max(Math.abs(low ?? 0), Math.abs(high ?? 0), 0.05)) },
      probability: { range: [0, 1] },
    },
    axes: [
      { ...axis, values: (_, ticks) => ticks.map((t) => `${t} s`) },
      {
        ...axis,
        scale: 'probability',
        size: 52,
        values: (_, ticks) => ticks.map((t) => `${Math.round(t * 100)} %`),
      },
    ],
    series: [
      {},
      { scale: 'wave', stroke: wave, width: 1, points: { show: false } },
      { scale: 'wave', stroke: wave, width: 1, points: { show: false } },
      { scale: 'probability', stroke: line, width: 2, points: { show: false } },
    ],
    bands: [{ series: [1, 2], fill: wave }],
    hooks: {
      drawClear: [
        (u) => {
          for (const { start, end } of latest.current.segments) fillSpan(u, start, end, mark);
        },
      ],
      draw: [
        (u) => {
          const { playhead } = latest.current;
          if (playhead !== undefined && playhead > 0) fillSpan(u, playhead, playhead, ink);
        },
      ],
      ready: [
        (u) => {
          u.over.addEventListener('click', () => {
            const left = u.cursor.left ?? -1;
            if (left >= 0) latest.current.onSeek?.(u.posToVal(left, 'x'));
          });
        },
      ],
    },
  };
}

/** A custom property as a colour that a canvas understands, for the present colour scheme. */
function resolveColour(element: HTMLElement, name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

const symmetric = (most: number): uPlot.Range.MinMax => [-most * 1.1, most * 1.1];

function timeRange({ track, span }: TimePlotProps): uPlot.Range.MinMax {
  if (span === undefined) return [0, Math.max(track.seconds, 1)];
  return [Math.max(0, track.seconds - span), Math.max(track.seconds, span)];
}

/** A full-height bar between two times, at least two canvas pixels wide. */
function fillSpan(u: uPlot, start: number, end: number, fill: string): void {
  const { left, top, width, height } = u.bbox;
  const x0 = Math.max(u.valToPos(start, 'x', true), left);
  const x1 = Math.min(Math.max(u.valToPos(end, 'x', true), x0 + 2), left + width);
  if (x1 <= x0) return;
  u.ctx.save();
  u.ctx.fillStyle = fill;
  u.ctx.fillRect(x0, top, x1 - x0, height);
  u.ctx.restore();
}
