import { generateDataCli } from './generate-data-cli.js';

// The Go suite's aibench_generate_data_vision: the same program, for images where the command line names no use case.
await generateDataCli('vision-image-classification');
