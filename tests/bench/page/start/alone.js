import { report } from './first-result.js';

report();
