#!/usr/bin/env node
import { program } from '../src/cli/program.js';
import { runProgram } from '../src/cli/exit.js';

await runProgram(program(), process.argv);
