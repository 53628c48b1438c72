// The entry of what pages run beside Leptos: each import registers its own elements and listeners. It holds no code itself.
import './chart';
import './live';
import './keys';
import './actions';
import './drawn';
import './brush';
