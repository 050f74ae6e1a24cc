package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"

	"github.com/replaytrace/replaytrace/internal/escape"
)

// colorMode is the value of --color.
type colorMode string

const (
	colorAuto   colorMode = "auto"
	colorAlways colorMode = "always"
	colorNever  colorMode = "never"
)

// String, Set and Type make it a flag.
func (m *colorMode) String() string { return string(*m) }

// Set takes auto, always or never.
func (m *colorMode) Set(s string) error {
	switch c := colorMode(s); c {
	case colorAuto, colorAlways, colorNever:
		*m = c
		return nil
	}
	return errors.New("takes auto, always or never")
}

// Type names the value in the help.
func (m *colorMode) Type() string { return "when" }

// screen is a standard stream that knows whether colour is welcome.
type screen struct {
	io.Writer
	color *colorMode
}

// Write says of what cannot be written that it is no fault of ours, and of what nobody wants to read nothing.
func (s *screen) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	switch {
	case errors.Is(err, syscall.EPIPE):
		err = &exit{exitPartial, nil}
	case err != nil:
		err = &exit{exitPartial, fmt.Errorf("the result could not be written: %w", err)}
	}
	return n, err
}

// screens puts both output streams under one --color.
func screens(s Streams) (Streams, *colorMode) {
	mode := colorAuto
	s.Out, s.Err = &screen{s.Out, &mode}, &screen{s.Err, &mode}
	return s, &mode
}

// file is the file behind a stream, nil if there is none.
func file(w io.Writer) *os.File {
	if s, ok := w.(*screen); ok {
		w = s.Writer
	}
	f, _ := w.(*os.File)
	return f
}

func terminal(w io.Writer) bool {
	f := file(w)
	return f != nil && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// colored reports whether colour is welcome: on a terminal, unless NO_COLOR (https://no-color.org) or --color says
// otherwise.
func colored(w io.Writer) bool {
	if s, ok := w.(*screen); ok && *s.color != colorAuto {
		return *s.color == colorAlways
	}
	return terminal(w) && os.Getenv("NO_COLOR") == ""
}

// columns is how wide the terminal is, unless COLUMNS says otherwise; text that goes elsewhere is set to 120.
func columns(w io.Writer) int {
	if width, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && width >= 40 {
		return width
	}
	if f := file(w); f != nil && terminal(w) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width >= 40 {
			return width
		}
	}
	return 120
}

// say prints remarks and errors: each line passes the terminal's door, for paths and what is said of files may hold what an
// attacker wrote. What may hold the end of a line itself is escaped before. What cannot be said is no reason to fail.
func say(w io.Writer, format string, args ...any) {
	for line := range strings.Lines(fmt.Sprintf(format, args...)) {
		text, ended := strings.CutSuffix(line, "\n")
		text = escape.Terminal(text)
		if ended {
			text += "\n"
		}
		_, _ = io.WriteString(w, text)
	}
}

// write prints styled text, without its styles where colour is not welcome.
func write(w io.Writer, styled string) error {
	profile := colorprofile.NoTTY
	if colored(w) {
		profile = max(colorprofile.Detect(w, os.Environ()), colorprofile.ANSI)
	}
	_, err := io.WriteString(&colorprofile.Writer{Forward: w, Profile: profile}, styled)
	return err
}
