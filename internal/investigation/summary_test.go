package investigation

import (
	"strings"
	"testing"

	"github.com/replaytrace/replaytrace/internal/finding"
)

// TestSummaryNamesWhatThereIs leaves out what an export does not name, instead of naming nothing.
func TestSummaryNamesWhatThereIs(t *testing.T) {
	for _, x := range []struct {
		agents, resources []string
		want              string
	}{
		{[]string{"curl/8"}, []string{"Microsoft Graph"}, "from 192.0.2.1 with curl/8 for Microsoft Graph between "},
		{[]string{"curl/8"}, nil, "from 192.0.2.1 with curl/8 between "},
		{nil, []string{"Microsoft Graph"}, "from 192.0.2.1 with no agent for Microsoft Graph between "},
		{nil, nil, "from 192.0.2.1 between "},
		{[]string{strings.Repeat("a", 70), "b", "c", "d", "e"}, nil, "with " + strings.Repeat("a", 59) + "\u2026, b, c and 2 more between "},
	} {
		f := &finding.Finding{SourceIPs: []string{"192.0.2.1"}, UserAgents: x.agents, Resources: x.resources}
		(&builder{}).summarize(f)
		if !strings.Contains(f.Summary, x.want) {
			t.Errorf("%q says not %q", f.Summary, x.want)
		}
	}
}
