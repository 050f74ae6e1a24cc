// Package replaytrace is the root of the module and holds no code: the program is cmd/replaytrace, and
// docs/ARCHITECTURE.md says what each package owns. The test beside this file enforces that page.
package replaytrace
