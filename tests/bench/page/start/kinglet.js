import * as kinglet from '/kinglet/index.js';
import { firstResult, report } from './first-result.js';

report(await firstResult(kinglet, { intraOpNumThreads: 1 }));
