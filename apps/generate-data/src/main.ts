import { defaultUseCaseName } from '@aibench/usecases';
import { generateDataCli } from './generate-data-cli.js';

await generateDataCli(defaultUseCaseName);
