import { testSelector } from 'panelflow/testing';
import selector from '../src/fano.ts';

testSelector(selector);
