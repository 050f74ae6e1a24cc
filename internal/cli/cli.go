// Package cli owns the command line: flags, exit codes, terminal tables, progress and the rendering of errors. It
// translates; it computes nothing.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/replaytrace/replaytrace/internal/casefile"
	"github.com/replaytrace/replaytrace/internal/diag"
)

// Streams are the standard streams of one run.
type Streams struct {
	In  io.Reader
	Out io.Writer // data only
	Err io.Writer // progress, warnings, errors
}

// Exit codes of the command line's contract; exitCodes says what each means.
const (
	exitOK          = 0
	exitFound       = 1
	exitUsage       = 2
	exitPartial     = 3
	exitInternal    = 70
	exitInterrupted = 130
)

// exitCodes are the exit codes with their meanings, as the help and README have them.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitOK, "done"},
	{exitFound, "findings at or above --fail-on, a failed check (verify, rules lint, rules test), or an application that apps lookup does not know"},
	{exitUsage, "usage, or the KQL or a rule is wrong"},
	{exitPartial, "a path could not be read, a file ends in the middle, or a disk is full: a partial result was written; with --strict also when rows were rejected, in hunt, investigate and report also when the non-interactive table is absent"},
	{exitInternal, "internal error"},
	{exitInterrupted, "interrupted"},
}

// Version is the version of the tool, set when it is built for release.
var Version = "0.1.0-dev"

// exit is an error that decides the exit code. A nil err says that all has been said already.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// ended is how a command over evidence ends: with its own error, and without one as the evidence was read. Joined, what was
// said of the evidence already would hide an error that nobody has been told of.
func ended(err, partial error) error { return cmp.Or(err, partial) }

// Main runs the command line and returns the exit code.
func Main(args []string, s Streams) int {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // where nobody reads on, writing fails instead, so that no evidence stays in the temporary folder
	context.AfterFunc(ctx, stop)   // a second Ctrl-C ends the program at once
	s, color := screens(s)
	root := newRoot(s)
	refuseUnknown(root)
	root.PersistentFlags().Var(color, "color", "auto, always or never; auto is on a terminal, unless NO_COLOR is set")
	root.SetArgs(args)
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	running := false
	root.PersistentPreRun = func(*cobra.Command, []string) { running = true }
	err := root.ExecuteContext(ctx)
	if err != nil && !running { // an unknown command, or arguments that it does not take
		err = &exit{exitUsage, usage(root, args, err)}
	}
	if ctx.Err() != nil {
		var saved *stopped
		if errors.As(err, &saved) {
			showError(s.Err, saved)
		} else {
			say(s.Err, "interrupted\n")
		}
		return exitInterrupted
	}
	return finish(s, err)
}

// usage adds to an error about arguments where they are explained.
func usage(root *cobra.Command, args []string, err error) error {
	var helpful interface{ Hint() string }
	cmd, _, found := root.Find(args)
	if errors.As(err, &helpful) || found != nil || cmd == root {
		return err
	}
	return &hinted{err, cmd.CommandPath() + " --help shows what it takes"}
}

// finish shows an error and returns its exit code: what has none, and is not about the user's text, is a fault of ours.
func finish(s Streams, err error) int {
	if err == nil {
		return exitOK
	}
	var full *casefile.Full
	if errors.As(err, &full) { // wherever it came: no fault of ours
		err = &exit{exitPartial, full}
	}
	var e *exit
	if errors.As(err, &e) {
		if e.err != nil {
			showError(s.Err, e.err)
		}
		return e.code
	}
	showError(s.Err, err)
	list, ok := diag.AsList(err)
	if ok && !slices.ContainsFunc(list.Items, func(d diag.Diagnostic) bool { return d.Kind == diag.Runtime }) {
		return exitUsage
	}
	return exitInternal
}

func showError(w io.Writer, err error) {
	if list, ok := diag.AsList(err); ok {
		diag.Render(w, list, colored(w))
		return
	}
	say(w, "replaytrace: %s\n", err)
	var helpful interface{ Hint() string }
	if errors.As(err, &helpful) {
		say(w, "hint: %s\n", helpful.Hint())
	}
}

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

// Unwrap is what is wrong; Hint says what to do.
func (e *hinted) Unwrap() error { return e.error }
func (e *hinted) Hint() string  { return e.hint }

// flagError is a flag that a command does not have, or its value.
type flagError struct {
	error
	cmd *cobra.Command
}

// Unwrap is what is wrong with it.
func (e *flagError) Unwrap() error { return e.error }

// Hint names the flag that was meant, or where they are listed.
func (e *flagError) Hint() string {
	var unknown *pflag.NotExistError
	if errors.As(e.error, &unknown) {
		var names []string
		e.cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := diag.Suggest(unknown.GetSpecifiedName(), names); near != "" {
			return "did you mean --" + near + "?"
		}
	}
	return e.cmd.CommandPath() + " --help lists the flags"
}

func newRoot(s Streams) *cobra.Command {
	codes := "Exit codes:"
	for _, c := range exitCodes {
		codes += fmt.Sprintf("\n  %-3d  %s", c.code, c.meaning)
	}
	root := &cobra.Command{
		Use:   "replaytrace",
		Short: "Find replayed Microsoft Entra ID tokens in exported evidence",
		Long: `replaytrace finds replayed Microsoft Entra ID tokens in exported evidence, offline.

A stolen refresh token that is replayed through an API leaves no trace in SigninLogs. It shows only in
AADNonInteractiveUserSignInLogs. Point replaytrace at whatever export you were handed.

Standard output has the result alone, progress and remarks go to standard error. --format json is described in docs/json.md.

` + codes,
		Example: `  replaytrace hunt ./export --report report.html
  replaytrace query 'AADNonInteractiveUserSignInLogs | summarize count() by IPAddress' ./export
  replaytrace simulate --out demo`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       Version,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &exit{exitUsage, &flagError{err, cmd}} })
	root.AddCommand(
		newHunt(s),
		newInvestigate(s),
		newReport(s),
		newQuery(s),
		newIngest(s),
		newVerify(s),
		newInspect(s),
		newApps(s),
		newRules(s),
		newExplain(s),
		newSimulate(s),
		&cobra.Command{
			Use: "version", Short: "Print the version", Example: "  replaytrace version", Args: takes("nothing", 0, 0),
			RunE: func(*cobra.Command, []string) error {
				_, err := fmt.Fprintf(s.Out, "replaytrace %s\n", Version)
				return err
			},
		},
	)
	for _, def := range steps {
		root.AddCommand(newStep(s, def))
	}
	return root
}

// takes refuses fewer arguments than least and more than most, -1 for any number, in words.
func takes(what string, least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return fmt.Errorf("%s takes %s", cmd.CommandPath(), what)
		case most >= 0 && len(args) > most:
			return fmt.Errorf("%s takes %s, not %q", cmd.CommandPath(), what, args[most])
		}
		return nil
	}
}

// refuseUnknown makes an error of what is no command of a group: cobra shows the group's help instead, as if all were well.
func refuseUnknown(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, group := range root.Commands() {
		switch {
		case group.Name() == "help":
			group.Run, group.RunE = nil, func(_ *cobra.Command, args []string) error {
				about, rest, err := root.Find(args)
				if err != nil || len(rest) > 0 {
					return unknownCommand(about, append(rest, args...)[0])
				}
				about.InitDefaultHelpFlag()
				return about.Help()
			}
		case group.HasSubCommands() && !group.Runnable():
			group.Args, group.RunE = cobra.ArbitraryArgs, func(cmd *cobra.Command, args []string) error {
				if len(args) > 0 {
					return unknownCommand(cmd, args[0])
				}
				return cmd.Help()
			}
		}
	}
}

// unknownCommand is the error of a word that is no command of a group, with the one that is near.
func unknownCommand(group *cobra.Command, word string) error {
	var names []string
	for _, c := range group.Commands() {
		names = append(names, c.Name())
	}
	hint := group.CommandPath() + " --help lists the commands"
	if near := diag.Suggest(word, names); near != "" {
		hint = "did you mean " + group.CommandPath() + " " + near + "?"
	}
	return &exit{exitUsage, &hinted{fmt.Errorf("unknown command %q for %q", word, group.CommandPath()), hint}}
}
