// Changed copies that hostile_models has written into a folder, opened and run in a wasm build. Each must end in a result or a
// typed error within two seconds, leave nothing behind, and keep to 256 MB and four times its file.
import { fileURLToPath } from 'node:url';
import { tryMutations } from './runner.mjs';

const worker = fileURLToPath(new URL('corpus-worker.mjs', import.meta.url));

/**
 * @param {'simd' | 'relaxed'} variant
 * @param {string} folder
 */
export const tryCorpus = (variant, folder) => tryMutations(variant, folder, { worker });
