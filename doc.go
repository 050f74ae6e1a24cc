// Package replaytrace is the root of the repository: it holds the test that keeps the architecture.
package replaytrace
