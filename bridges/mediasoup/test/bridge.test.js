// SPDX-License-Identifier: Apache-2.0
import { hear, newMediasoup, thrown } from './double.js';
import { scenarios } from './scenarios.js';

scenarios({ mediasoup: newMediasoup(), hear, thrown });
