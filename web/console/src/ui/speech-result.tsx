import { useRef, useState } from 'preact/hooks';
import { formatMilliseconds, formatTime } from '../lib/words.js';
import type { Analysis } from '../speech/analyse.js';
import type { Segment } from '../speech/segments.js';
import { TimePlot } from './time-plot.js';

interface SpeechResultProps {
  readonly analysis: Analysis;
  readonly segments: readonly Segment[];
  /** Changes whenever the analysis has grown. */
  readonly version: number;
  /** Where the sound can be heard, for files. */
  readonly audio: string | null;
  readonly live: boolean;
  readonly finished: boolean;
  readonly span?: number;
}

export function SpeechResult({
  analysis,
  segments,
  version,
  audio,
  live,
  finished,
  span,
}: SpeechResultProps) {
  const player = useRef<HTMLAudioElement>(null);
  const [playhead, setPlayhead] = useState<number | undefined>(undefined);
  const { track, networkTime } = analysis;
  const frames = track.probabilities.length;
  const speaking = live && (track.probabilities[frames - 1] ?? 0) >= 0.5;
  const seek = (seconds: number, play: boolean) => {
    const element = player.current;
    if (!element) return;
    element.currentTime = seconds;
    if (play) element.play().catch(() => {});
  };
  const spoken = segments.reduce((sum, { start, end }) => sum + end - start, 0);
  const summary = `${segments.length} ${segments.length === 1 ? 'stretch' : 'stretches'} of speech, ${spoken.toFixed(1)} of ${track.seconds.toFixed(1)} seconds`;
  return (
    <section class="panel" aria-label="Speech">
      <div class="panel-head">
        <h2>{summary}</h2>
        {live && <span class={speaking ? 'lamp on' : 'lamp'}>{speaking ? 'Speech' : 'No speech'}</span>}
      </div>
      <TimePlot
        track={track}
        segments={segments}
        version={version}
        span={span}
        label={`Waveform with the probability of speech over time: ${summary}`}
        playhead={playhead}
        onSeek={(seconds) => seek(seconds, false)}
      />
      <ul class="legend" aria-hidden="true">
        <li class="key-line">Probability of speech</li>
        <li class="key-wave">Waveform</li>
        <li class="key-mark">Speech</li>
      </ul>
      {audio && (
        // biome-ignore lint/a11y/useMediaCaption: the sound is the user's own file
        <audio
          ref={player}
          controls
          src={audio}
          onTimeUpdate={(event) => setPlayhead(event.currentTarget.currentTime)}
        />
      )}
      <ol class="segments">
        {segments.map(({ start, end }) => {
          const text = `${formatTime(start)} to ${formatTime(end)}`;
          return (
            <li key={start}>
              {audio ? (
                <button type="button" onClick={() => seek(start, true)} aria-label={`Play from ${text}`}>
                  {text}
                </button>
              ) : (
                text
              )}
            </li>
          );
        })}
      </ol>
      {finished && frames > 0 && (
        <p class="status">
          {frames} frames of 32 ms in {formatMilliseconds(networkTime)}:{' '}
          {formatMilliseconds(networkTime / frames)} each,{' '}
          {Math.round((track.seconds * 1000) / Math.max(networkTime, 1))} times faster than the sound.
        </p>
      )}
    </section>
  );
}
