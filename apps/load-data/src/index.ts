export { flags } from './flags.js';
export { loadData } from './load-data.js';
