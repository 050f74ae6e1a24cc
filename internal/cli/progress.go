package cli

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/replaytrace/replaytrace/internal/escape"
)

// meter shows how far a run is. It writes to a terminal only, and not before the run has taken a second. The zero
// meter shows nothing.
type meter struct {
	w     io.Writer
	title string
	bar   *progressbar.ProgressBar
}

// newMeter makes the meter of a run; one that shows nothing where progress would be in the way.
func newMeter(w io.Writer, silent bool) *meter {
	if silent || !terminal(w) {
		return &meter{}
	}
	return &meter{w: &delayed{w: w, from: time.Now().Add(time.Second)}}
}

// phase begins a part of the run with a known size; what came before is wiped.
func (m *meter) phase(title string, total int64, bytes bool) {
	if m.w == nil {
		return
	}
	m.done()
	m.title = title
	m.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(m.w), progressbar.OptionShowBytes(bytes), progressbar.OptionSetDescription(title),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth(), progressbar.OptionUseANSICodes(true))
}

// at says how much of the phase is done, and what it is busy with.
func (m *meter) at(n int64, what string) {
	if m.bar == nil {
		return
	}
	m.bar.Describe(m.title + " " + escape.Terminal(what))
	_ = m.bar.Set64(n) // a bar that cannot be drawn is no reason to fail
}

// done wipes the bar: what follows is the result.
func (m *meter) done() {
	if m.bar != nil {
		_ = m.bar.Clear()
		_ = m.bar.Exit()
		m.bar = nil
	}
}

// delayed swallows what is written before its time.
type delayed struct {
	w    io.Writer
	from time.Time
}

func (d *delayed) Write(p []byte) (int, error) {
	if time.Now().Before(d.from) {
		return len(p), nil
	}
	return d.w.Write(p)
}
