import { describe } from 'vitest';
import { interpreters } from './interpreters.js';
import { describeOperators } from './operators.js';

describe.each(interpreters)('operators on $name', describeOperators);
