export interface Reading {
  readonly text: string;
  /** Mean probability of the characters kept, 0 for no text. */
  readonly confidence: number;
}

/** Class -> character: class 0 is the CTC blank, then the lines of the list, then the space. */
export function parseCharacters(list: string): string[] {
  const lines = list.replace(/\r/g, '').split('\n');
  if (lines[lines.length - 1] === '') lines.pop();
  return ['', ...lines, ' '];
}

/**
 * The recogniser hesitates to say "space": in the pause between two Latin words its probability often stays below that of the blank, yet
 * far above the 0.1 % usual inside words. From this probability on a pause counts as a space: of 120 rendered lines in six fonts that
 * lost fewest spaces and invented fewest.
 */
const SPACE_IN_PAUSE = 0.005;

/** Scripts written without spaces, and their punctuation: a wide pause there means nothing. */
const UNSPACED = /[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]/;

/**
 * Greedy CTC: the likeliest class per step, repeats merged, blanks dropped, pauses between words told from their space probability.
 * @param probabilities `steps` x `classes`, row by row; class 0 is the blank, the last class the space
 */
export function decodeCtc(
  probabilities: Float32Array,
  steps: number,
  classes: number,
  characters: readonly string[],
): Reading {
  let text = '';
  let sum = 0;
  let kept = 0;
  let before = 0;
  let pause = 0;
  for (let step = 0; step < steps; step++) {
    const row = step * classes;
    let best = 0;
    for (let k = 1; k < classes; k++) if (probabilities[row + k] > probabilities[row + best]) best = k;
    if (best === 0) {
      pause = Math.max(pause, probabilities[row + classes - 1]);
    } else {
      if (best !== before) {
        const character = characters[best] ?? '';
        if (pause >= SPACE_IN_PAUSE && isWordGap(text, character)) text += ' ';
        text += character;
        sum += probabilities[row + best];
        kept++;
      }
      pause = 0;
    }
    before = best;
  }
  return { text: text.trim(), confidence: kept === 0 ? 0 : sum / kept };
}

function isWordGap(text: string, next: string): boolean {
  const last = text.slice(-1);
  return last !== '' && last !== ' ' && next !== ' ' && !UNSPACED.test(last) && !UNSPACED.test(next);
}
