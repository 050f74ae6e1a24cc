// Command replaytrace finds replayed Microsoft Entra ID tokens in exported evidence.
package main

import (
	"os"

	"github.com/replaytrace/replaytrace/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
