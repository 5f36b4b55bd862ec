#!/usr/bin/perl
# The agent's half of a task is killed before each of its system calls, one after the
# other, and its successor somewhere too: every time the task comes to the same end, with
# the same output and each event once. Then calls fail instead (no room, no memory, no
# descriptors): a failure is told or survived, never a wrong byte.
#
# STRIDE=N takes every N-th point (4 where it is not set); STRIDE=1 all of them.
#
# SPDX-License-Identifier: Apache-2.0
use strict;
use warnings;
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);

my $top = $ENV{top_builddir} // '.';
my $stride = $ENV{STRIDE} // 4;
my $base = tempdir('runner-t.XXXXXX', DIR => $ENV{TMPDIR} // '/tmp', CLEANUP => 0);
my $mother = $$;
my ($count, $failed) = (0, 0);
my $id = '00000000-0000-4000-8000-000000000001';

END { remove_tree($base) if defined $mother && $$ == $mother && !$failed }

sub ok
{
	my ($good, $name) = @_;
	$count++;
	$failed++ if !$good;
	print $good ? '' : 'not ', "ok $count - $name\n";
	return $good;
}

sub read_file
{
	my ($path) = @_;
	open my $file, '<:raw', $path or return '';
	local $/;
	return <$file> // '';
}

sub step { return qq({"kind":"run","name":"s","shell":["/bin/sh"],"command":"$_[0]"$_[1]}) }
my $steps = join ',', step("$top/t/actor text=one print=3000", ''),
	step("exec $top/t/actor text=back sleep", ',"background":true'),
	step('echo try; [ -e again ] || { : >again; exit 1; }', ',"max_auto_reruns":1'),
	step("exec $top/t/actor pattern=binary print=200000 sleep=0.08 text=last", ''),
	step('exit 7', ''), step('echo after', ',"when":"always"');
open my $document, '>', "$base/task.json" or die;
print $document qq({"version":1,"id":"$id","epoch":1,"token":"t","lease_ms":60000,) .
	qq("job":{"id":"00000000-0000-4000-8000-0000000000aa","name":"j","number":1},"resource_class":"a/b","steps":[$steps]});
close $document;
my %output = ('0.1' => scalar `$top/t/actor text=one print=3000`, '2.1' => "try\n", '2.2' => "try\n",
	'3.1' => scalar `$top/t/actor pattern=binary print=200000 text=last`, '5.1' => "after\n");
my %outcome = ('0.1' => 'success', '2.1' => 'failed', '2.2' => 'success', '3.1' => 'success',
	'4.1' => 'failed', '5.1' => 'success');

# glob in a condition would go on where it was.
sub is_there
{
	my @found = glob $_[0];
	return @found > 0;
}

# What is wrong with how a run ended, or ''.
sub wrong_with
{
	my ($dir, $any_outcome) = @_;
	my $events = read_file("$dir/sink/$id.events");
	my @seqs = $events =~ /"seq":(\d+)/g;
	return "events are numbered @seqs" if "@seqs" ne join ' ', 1 .. @seqs;
	my @ends = $events =~ /"type":"ended","outcome":"([\w-]+)"/g;
	return "it ended " . @ends . " times: @ends" if @ends != 1;
	for my $step (keys %output) {
		my $got = read_file("$dir/sink/$id.$step");
		my $want = $output{$step};
		return "output of $step: " . length($got) . ' of ' . length($want) . ' bytes, or other ones'
			if $any_outcome ? substr($want, 0, length $got) ne $got && $got !~ /^cannot |^the step /m : $got ne $want;
	}
	return 'a state directory is left' if is_there("$dir/run/tasks/*");
	return 'a work directory is left' if is_there("$dir/work/*");
	return '' if $any_outcome;
	return "it ended as $ends[0]" if $ends[0] ne 'failed';
	my %got;
	while ($events =~ /"step_ended","step":(\d+),"attempt":(\d+),"outcome":"([\w-]+)"/g) {
		return "step $1.$2 ended twice" if exists $got{"$1.$2"};
		$got{"$1.$2"} = $3;
	}
	for my $step (keys %outcome) {
		return "step $step ended as " . ($got{$step} // 'nothing') if ($got{$step} // '') ne $outcome{$step};
	}
	return '';
}

my $runs = 0;

sub fresh
{
	my $dir = "$base/" . ++$runs;
	mkdir $dir;
	mkdir "$dir/sink";
	return $dir;
}

# taskd in a directory, struck as said; its exit status.
sub taskd
{
	my ($dir, @strike) = @_;
	my @command = ('timeout', '60', @strike, "$top/taskd", '--run-dir', "$dir/run", '--work-dir', "$dir/work",
		'--sink', "$dir/sink", '--grace', '2s', "$base/task.json");
	my $pid = fork // die;
	if ($pid == 0) {
		open STDOUT, '>>', "$dir/log";
		open STDERR, '>&', \*STDOUT;
		exec @command;
		exit 99;
	}
	waitpid $pid, 0;
	return $? >> 8;
}

my @from = ("$top/t/strike", '--from', 'flock');
my $dir = fresh();
my $status = taskd($dir, @from, '--count');
if ($status == 77) {
	print "1..0 # SKIP this host forbids to trace\n";
	exit 0;
}
ok(wrong_with($dir, 0) eq '', 'without a strike the task ends as it should') or print '# ', wrong_with($dir, 0), "\n";
my ($total) = read_file("$dir/log") =~ /^(\d+)$/m;
ok(defined $total && $total > 100, 'its system calls can be counted') or $total = 100;
print "# $total points\n";

my @bad;
my $struck = 0;
for (my $n = 1; $n <= $total; $n += $stride) {
	$dir = fresh();
	$struck++ if taskd($dir, @from, '--kill', $n) == 137;
	$struck++ if taskd($dir, @from, '--kill', 1 + ($n * 37) % 160) == 137; # the next one as well
	$status = taskd($dir);
	my $wrong = wrong_with($dir, 0);
	$wrong = "the last life ends with $status" if $wrong eq '' && $status > 1;
	push @bad, "killed before call $n: $wrong ($dir)" if $wrong ne '';
	remove_tree($dir) if $wrong eq '';
}
ok(!@bad, "killed $struck times, before each call of the first life and one of the second: the end is the same") or
	print map { "# $_\n" } @bad[0 .. ($#bad > 9 ? 9 : $#bad)];

for my $fault (['openat,mkdirat', 'EMFILE'], ['pwrite', 'ENOSPC'], ['write', 'ENOSPC'], ['memfd_create,socket', 'EMFILE'],
	       ['bind,connect', 'EACCES'], ['clone', 'EAGAIN'], ['splice', 'ENOMEM'], ['sendmsg,recvmsg', 'EAGAIN'],
	       ['epoll_ctl', 'ENOMEM'], ['pread', 'EINTR']) {
	my ($calls, $error) = @$fault;
	my @args = (@from, '--calls', $calls);
	$dir = fresh();
	taskd($dir, @args, '--count');
	my ($most) = read_file("$dir/log") =~ /^(\d+)$/m;
	remove_tree($dir);
	@bad = ();
	for (my $n = 1; $n <= ($most // 0); $n += $stride) {
		$dir = fresh();
		my $first = taskd($dir, @args, '--fail', "$n:$error");
		my $rest = -s "$dir/sink/$id.events" && !is_there("$dir/run/tasks/*") ? 0 : taskd($dir);
		my $wrong = wrong_with($dir, 1);
		$wrong = "it ends with $first" if $wrong eq '' && $first > 3;
		push @bad, "call $n: $wrong ($dir)" if $wrong ne '';
		remove_tree($dir) if $wrong eq '';
	}
	ok(!@bad, "$calls: each of " . ($most // 0) . " calls fails once with $error, and it is told or survived") or
		print map { "# $_\n" } @bad[0 .. ($#bad > 9 ? 9 : $#bad)];
}
print "1..$count\n";
exit($failed ? 1 : 0);
