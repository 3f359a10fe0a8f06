import joint from '../../../plugins/selectors/markermap-joint.ts';
import { testVae } from './_vae-family.ts';

testVae(joint, { params: { epochs: 20, learning_rate: 5e-3 }, highestRate: 1e-4, method: 'markermap:joint' });
